"""What the pages show, as tables and values; nothing here knows Streamlit."""
