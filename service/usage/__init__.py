"""How much organisations use the registry in a day: quotas, and alerts for the operator."""
