"""A campaign against everything that can go wrong: parts that try, and count harm."""
