"""Camera models, the rig, panorama projections and view angles. NumPy only.

Conventions, the same everywhere:

* The rig's frame: X to the right, Y down, Z forward and level. Lengths do not matter: all cameras share one
  viewpoint, so only directions count.
* Yaw is positive to the right, pitch is positive upwards, roll is positive clockwise as the camera sees it.
  Degrees in files, flags and in every public number whose name ends in ``_deg``; radians inside.
* Pixel (0, 0) is the centre of the first pixel; the picture spans -0.5 .. width - 0.5.
"""

from touchline.geometry.angles import angles_to_rays, rays_to_angles, rotation_from_angles, rotation_to_angles
from touchline.geometry.camera import Camera, Distortion
from touchline.geometry.fitting import fit_panorama
from touchline.geometry.ground import Ground
from touchline.geometry.outline import FieldOutline
from touchline.geometry.projection import Panorama, Projection
from touchline.geometry.rig import Rig
from touchline.geometry.view import View, ViewLimits

__all__ = [
    "Camera",
    "Distortion",
    "FieldOutline",
    "Ground",
    "Panorama",
    "Projection",
    "Rig",
    "View",
    "ViewLimits",
    "angles_to_rays",
    "fit_panorama",
    "rays_to_angles",
    "rotation_from_angles",
    "rotation_to_angles",
]
