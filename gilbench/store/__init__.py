"""Files: studies, and the history made of them."""
