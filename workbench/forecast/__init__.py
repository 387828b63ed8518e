"""What a suite will take, from what is left to do and short measurements on this machine."""

from workbench.forecast.forecast import MARGIN, Forecast
from workbench.forecast.forecasting import SECONDS, forecast_suite
from workbench.forecast.machine import process_seconds
from workbench.forecast.wording import forecast_lines

__all__ = ["MARGIN", "SECONDS", "Forecast", "forecast_lines", "forecast_suite", "process_seconds"]
