"""Values and pure functions: nothing here waits, opens or talks."""
