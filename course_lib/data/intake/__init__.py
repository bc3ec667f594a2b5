"""How outside files enter the course: bytes are guarded, columns mapped, rows cleaned and counted, datasets stored."""
