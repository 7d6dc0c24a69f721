// Starts Swagger UI; kept out of the page because its security policy allows no inline script.
const target = document.getElementById("swagger");
SwaggerUIBundle({
  url: target.dataset.schema,
  domNode: target,
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
});
