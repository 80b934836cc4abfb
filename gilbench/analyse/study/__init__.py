"""From a study to its figures, comparisons, findings and caveats."""
