"""What the screens show, in plain Python: no module here knows a terminal."""
