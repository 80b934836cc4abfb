"""The use cases, one per module: a request and a listener in, a result out. Nothing is printed here."""
