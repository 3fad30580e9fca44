"""Language model servers in the background: vLLM processes that are started, watched and stopped here."""
