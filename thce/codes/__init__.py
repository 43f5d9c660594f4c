"""ICD-10-CM, HCPCS Level II and CPT: what exists, what is billable, what is near, what is meant."""
