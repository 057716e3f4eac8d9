"""How often the flag ``too-close`` is right and wrong: populations fitted to references, and honest ones."""
