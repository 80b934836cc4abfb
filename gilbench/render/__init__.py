"""Makes pages from results, and writes pages in every format."""
