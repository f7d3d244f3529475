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

SwaggerUIBundle({
	domNode: document.querySelector('#reference'),
	url: '../openapi.json',
	deepLinking: true,
	displayRequestDuration: true,
	defaultModelsExpandDepth: 0,
	filter: true,
	requestSnippetsEnabled: true,
	tryItOutEnabled: true,
	// What it would ask is another host.
	validatorUrl: null,
})
