"""Entry point of the web processes: `gunicorn wsgi:app`."""

from portal.app import create_app
from portal.core.memory import give_back_memory

give_back_memory()
app = create_app()
