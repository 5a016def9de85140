"""HTTP in: app.py is the whole surface on one screen."""
