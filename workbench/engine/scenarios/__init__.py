"""Where a run's scenarios come from: imported, built with a model, and chosen."""
