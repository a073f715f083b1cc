"use strict";

// Swagger UI shows a badge of a validator elsewhere unless it is told not to, and keeps no key after the page is closed.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#operations",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
});
