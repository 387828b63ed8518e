"""The Streamlit dashboard: `app` starts it; `screens` lay out what `views` compute and `charts` draw."""
