"""Programs that are copied beside what is exported; they run without the workbench."""
