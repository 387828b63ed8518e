"""A pinhole camera that looks at the middle of the table."""

from dataclasses import dataclass

import numpy as np

from workbench.arrays import FloatArray


@dataclass(frozen=True)
class Camera:
    """The camera's position and view.

    Attributes:
        position: In metres.
        target: The point in the middle of the image.
        roll: Turn about the viewing direction, radians.
        view_angle: Full angle of view, radians, in both directions.
    """

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    roll: float
    view_angle: float

    @classmethod
    def draw(cls, extent: float, rng: np.random.Generator, pitches: tuple[float, float] = (30, 52)) -> "Camera":
        """A camera somewhere around the table, above it, near enough for the objects to fill the image.

        Args:
            extent: Radius of the circle on the table that the objects stand in, metres.
            rng: Draws it.
            pitches: Range of angles above the table, degrees.
        """
        bearing, pitch = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(*pitches))
        distance = rng.uniform(0.95, 1.1) * max(0.4, 0.25 + 1.95 * extent)
        jitter = rng.normal(0, 0.008, 2)
        ground = distance * np.cos(pitch)
        return cls(
            position=(
                float(ground * np.cos(bearing)), float(ground * np.sin(bearing)), float(distance * np.sin(pitch))
            ),
            target=(float(jitter[0]), float(jitter[1]), 0.045),
            roll=float(rng.normal(0, np.deg2rad(1.5))),
            view_angle=float(np.deg2rad(rng.uniform(38, 42))),
        )  # fmt: skip

    @property
    def axes(self) -> FloatArray:
        """Rows right, down and forward, unit vectors."""
        forward = np.subtract(self.target, self.position)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 0, 1])
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        cosine, sine = np.cos(self.roll), np.sin(self.roll)
        return np.asarray([cosine * right + sine * down, cosine * down - sine * right, forward], dtype=np.float32)

    def rays(self, columns: FloatArray, rows: FloatArray, size: int) -> FloatArray:
        """Unit directions, float32 (n, 3), through points in pixel units of a square image of edge `size`."""
        reach = 2 * np.tan(self.view_angle / 2) / size
        right, down, forward = self.axes
        directions = (
            forward
            + (reach * (columns - size / 2))[:, None] * right
            + (reach * (rows - size / 2))[:, None] * down
        )  # fmt: skip
        return np.asarray(
            directions / np.sqrt(np.einsum("ij,ij->i", directions, directions))[:, None], dtype=np.float32
        )

    def depth(self, x: float, y: float) -> float:
        """Distance of a point of the table from the camera, along the table, metres."""
        forward = self.axes[2]
        ahead = np.array([forward[0], forward[1]]) / np.hypot(forward[0], forward[1])
        return float(ahead @ np.subtract((x, y), self.position[:2]))
