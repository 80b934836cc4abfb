"""Pure functions from a study to figures: nothing here prints, starts or writes."""
