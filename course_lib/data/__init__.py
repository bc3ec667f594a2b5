"""One schema for every dataset; where the datasets come from, how they are split, and what is known about each."""
