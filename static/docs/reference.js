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

/** Swagger UI in the frame of these pages: without a `main` of its own, and with no link inside of a button. */
const inFrame = ({ React: { createElement: element } }) => ({
	components: {
		DeepLink: ({ text }) => element('span', null, text),
		Framed({ getComponent }) {
			const part = (name) => element(getComponent(name, true))
			const bar = element('div', { className: 'scheme-container' }, part('AuthorizeBtnContainer'))
			const heading = element('h2', { className: 'unseen' }, 'Requests')
			return element('div', { className: 'swagger-ui' }, part('InfoContainer'), part('errors'), bar, part('FilterContainer'), heading, part('operations'), part('Models'))
		},
	},
})

SwaggerUIBundle({
	domNode: document.querySelector('#reference'),
	plugins: [inFrame],
	layout: 'Framed',
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
