"""Found by GStreamer's loader of Python plugins, which looks into the folder ``python`` of each plugin path.

``GST_PLUGIN_PATH`` has to name the folder above that, and Touchline's virtual environment has to be active.
"""

from touchline.delay.element import NAME, TouchlineDelay
from touchline.gst.library import Gst

__gstelementfactory__ = (NAME, Gst.Rank.NONE, TouchlineDelay)
