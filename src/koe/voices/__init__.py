"""The voices that users make: kept, checked, carried from house to house."""
