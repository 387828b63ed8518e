"""The Streamlit dashboard: `app` starts it; `pages` lay out what `views` compute and `charts` draw."""
