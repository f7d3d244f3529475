// Boot, session, navigation.

import { html, render, useEffect } from './vendor/htm.js'
import { post, whenChanged, whenSessionEnds } from './api.js'
import { ask, attempt, clearToasts, closeDialogs, toast } from './parts/dialog.js'
import { Inside, Outside, Start, View } from './parts/frame.js'
import { Facts, go, Head, useLoad, useRoute } from './parts/page.js'
import { focusOn } from './parts/search.js'

// Whatever shows may be another after a change.
whenChanged(() => dispatchEvent(new Event('stale')))

const view = (name) => () => import(`./pages/${name}.js`)

/** The first part of an address, the page of a whole list, and the page of one of its things. */
const PAGES = {
	'': [view('overview')],
	users: [view('users'), view('user')],
	names: [view('names')],
	communities: [view('communities'), view('community')],
	channels: [view('channels'), view('channel')],
	registration: [view('registration')],
	admins: [view('admins')],
	backups: [view('backups')],
	audit: [view('audit')],
}
const enter = view('enter')

const NAVIGATION = [
	[
		['', 'Overview', 'M3 11h4l2-6 3 11 2-5h3'],
	],
	[
		['users', 'Users', 'M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2 16.5c.5-3 2.7-4.5 5.5-4.5s5 1.5 5.5 4.5M13 3.8a3 3 0 0 1 0 5.4M15 12.4c1.7.6 2.7 2 3 4.1'],
		['names', 'Discriminators', 'M8 3 6 17M14 3l-2 14M4 7.5h13M3 12.5h13'],
		['communities', 'Communities', 'M3 17V8l7-5 7 5v9ZM8 17v-5h4v5'],
		['channels', 'Channels', 'M3 4h14v9.5H9L5.5 17v-3.5H3Z'],
	],
	[
		['registration', 'Registration', 'M4 3h8v14H4ZM12 10h6M15.5 7.5 18 10l-2.5 2.5'],
		['admins', 'Admins and tokens', 'M10 2.5l6 2.3v4.7c0 4-2.5 6.7-6 8-3.5-1.3-6-4-6-8V4.8ZM7.5 10l2 2 3.5-4'],
		['backups', 'Backups', 'M3 3.5h14v4H3ZM4.5 7.5v9h11v-9M8 11h4'],
		['audit', 'Audit log', 'M5 2.5h10v15H5ZM8 6.5h4M8 10h4M8 13.5h2.5'],
	],
]

const KEYS = [['/', 'Search'], ['↑ ↓', 'Move through a list or the picture'], ['Enter', 'Open'], ['Space', 'Select'], ['Esc', 'Close, or clear the search'], ['?', 'Show the keys']]

function showKeys() {
	ask({ title: 'Keys', body: html`<${Facts} rows=${KEYS.map(([key, text]) => [html`<kbd>${key}</kbd>`, text])} />` })
}

function Page({ route, admin }) {
	const [name = '', id, rest] = route.path
	const load = Object.hasOwn(PAGES, name) && rest === undefined && PAGES[name][id === undefined ? 0 : 1]
	if (!load) return html`<${Head} title="No such page" /><p>There is no page at <code>${route.hash}</code>. <a href="#/">Go to the overview</a>.</p>`
	return html`<${View} key=${name + ' ' + id} load=${load} id=${id} query=${route.query} admin=${admin} />`
}

function App() {
	const route = useRoute()
	const { data: state, replace, ...unread } = useLoad('/state')
	const link = ['setup', 'password'].includes(route.path[0]) && route.path[1]
	const outside = state && (link || !state.admin)

	whenSessionEnds(() => {
		if (state?.admin) {
			clearToasts()
			toast('Your session has ended. Log in to go on.')
		}
		replace({ set_up: true })
	})
	useEffect(closeDialogs, [route.path.join('/'), Boolean(outside)])

	if (!state) return html`<${Start} ...${unread} />`
	if (outside) {
		const entered = (admin) => {
			replace({ set_up: true, admin })
			if (link) go('#/', { replace: true })
		}
		const way = link ? route.path[0] : state.set_up ? 'log in' : 'not set up'
		return html`<${Outside}><${View} key=${way} load=${enter} way=${way} code=${link} state=${state} entered=${entered} /><//>`
	}
	const leave = () => attempt(async () => {
		await post('/logout')
		clearToasts()
		replace({ set_up: true })
		go('#/')
	})
	return html`
		<${Inside} groups=${NAVIGATION} here=${route.path[0] || ''} name=${html`<bdi>${state.admin.name}</bdi>`} leave=${leave}
			more=${html`<button class="quiet small" onClick=${showKeys} aria-label="Keyboard shortcuts"><kbd>?</kbd></button>`}>
			<${Page} route=${route} admin=${state.admin} />
		<//>`
}

// Keys that hold everywhere but where one writes.
addEventListener('keydown', (event) => {
	if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
	if (event.target.closest('input:not([type=checkbox], [type=radio]), select, textarea')) return
	if (event.key === '/' && document.querySelector('.frame')) {
		event.preventDefault()
		const field = '#main input[type=search]'
		if (!document.querySelector(field)) go('#/users')
		focusOn(field)
	} else if (event.key === '?') {
		event.preventDefault()
		showKeys()
	}
})

render(html`<${App} />`, document.querySelector('#app'))
