import { html } from '../vendor/htm.js'

// Strokes on a grid of 20 by 20.
const PATHS = {
	overview: 'M3 11h4l2-6 3 11 2-5h3',
	users: 'M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2 16.5c.5-3 2.7-4.5 5.5-4.5s5 1.5 5.5 4.5M13 3.8a3 3 0 0 1 0 5.4M15 12.4c1.7.6 2.7 2 3 4.1',
	names: 'M8 3 6 17M14 3l-2 14M4 7.5h13M3 12.5h13',
	communities: 'M3 17V8l7-5 7 5v9ZM8 17v-5h4v5',
	channels: 'M3 4h14v9.5H9L5.5 17v-3.5H3Z',
	registration: 'M4 3h8v14H4ZM12 10h6M15.5 7.5 18 10l-2.5 2.5',
	admins: 'M10 2.5l6 2.3v4.7c0 4-2.5 6.7-6 8-3.5-1.3-6-4-6-8V4.8ZM7.5 10l2 2 3.5-4',
	audit: 'M5 2.5h10v15H5ZM8 6.5h4M8 10h4M8 13.5h2.5',
	menu: 'M3 5.5h14M3 10h14M3 14.5h14',
	close: 'M5 5l10 10M15 5 5 15',
	search: 'M8.5 14a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM12.7 12.7 17 17',
	plus: 'M10 4v12M4 10h12',
	copy: 'M7 7h10v10H7ZM13 7V3H3v10h4',
	back: 'M12 4l-6 6 6 6',
	logout: 'M8 3H3v14h5M8 10h9M13.5 6.5 17 10l-3.5 3.5',
	check: 'M4 10.5l4 4 8-9',
}

export const Icon = ({ name }) => html`<svg class=icon viewBox="0 0 20 20" aria-hidden=true><path d=${PATHS[name]} /></svg>`
