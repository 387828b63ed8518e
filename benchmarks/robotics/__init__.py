"""Robotics datasets: cards and the generator of tabletop."""
