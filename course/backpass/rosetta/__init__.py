"""The Rosetta tables of the lectures, one module per lecture: what the same word means in different libraries."""
