"""The interactive documentation of the API: Swagger UI over `/openapi.json`, served from local files."""
