"""Files: studies, profiles, scorecards, checks, the history, and foreign formats. Everything read is checked."""
