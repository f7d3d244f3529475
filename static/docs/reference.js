// The reference: what the API says of itself, drawn by Swagger UI, which also tries calls.

import './frame.js'

const dark = matchMedia('(prefers-color-scheme: dark)')

/** Swagger UI is dark where a class says so. */
function shade() {
	const chosen = document.documentElement.dataset.theme
	document.documentElement.classList.toggle('dark-mode', chosen === 'dark' || (!chosen && dark.matches))
}
addEventListener('theme', shade)
shade()

/** What may be left out begins empty: an example would be sent along with each call that is tried. */
function withoutExamples(parameter, schemas) {
	if (parameter.required) return parameter
	const { example, schema, ...rest } = parameter
	const { example: other, ...plain } = schemas[schema.$ref?.split('/').pop()] ?? schema
	return { ...rest, schema: plain }
}

const spec = await (await fetch('../openapi.json')).json()
for (const operation of Object.values(spec.paths).flatMap(Object.values)) {
	operation.parameters = operation.parameters?.map((parameter) => withoutExamples(parameter, spec.components.schemas))
}

SwaggerUIBundle({
	domNode: document.querySelector('#reference'),
	spec,
	deepLinking: true,
	displayRequestDuration: true,
	defaultModelsExpandDepth: 0,
	filter: true,
	requestSnippetsEnabled: true,
	tryItOutEnabled: true,
	// What it would ask is another host.
	validatorUrl: null,
})
