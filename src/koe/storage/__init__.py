"""What Koe makes and keeps: finished runs and their history, jobs and their items."""
