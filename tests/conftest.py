"""For every test: hypothesis looks for wrong answers, not for slow ones, since machines are shared."""

from hypothesis import settings

settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")
