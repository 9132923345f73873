"""`torch.serialization`: saving, loading, and what files may hold. This file only re-exports."""

from headgate.io.serialization import get_unsafe_globals_in_checkpoint as get_unsafe_globals_in_checkpoint
from headgate.io.serialization import load as load
from headgate.io.serialization import save as save
from headgate.io.storages import default_restore_location as default_restore_location
from headgate.io.storages import location_tag as location_tag
from headgate.io.tables import add_safe_globals as add_safe_globals
from headgate.io.tables import clear_safe_globals as clear_safe_globals
from headgate.io.tables import get_safe_globals as get_safe_globals
from headgate.io.tables import safe_globals as safe_globals
