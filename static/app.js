// Boot, session, navigation: the frame that every page stands in.

import { html, render, useEffect, useRef, useState } from './vendor/htm.js'
import { get, post, whenChanged, whenSessionEnds } from './api.js'
import { ask, closeDialogs, Dialogs } from './parts/dialog.js'
import { Icon } from './parts/icon.js'
import { forgetLists } from './parts/list.js'
import { Facts, Head, Problem, Waiting } from './parts/load.js'
import { go, useRoute } from './parts/router.js'
import { Choice, focusOn } from './parts/search.js'
import { apply, setTheme, theme } from './parts/theme.js'
import { attempt, clearToasts, toast, Toasts } from './parts/toast.js'

apply()
history.scrollRestoration = 'manual'
whenChanged(forgetLists)

/** The first part of an address, the page of a whole list, and the page of one of its things. */
const PAGES = {
	'': [() => import('./pages/overview.js')],
	users: [() => import('./pages/users.js'), () => import('./pages/user.js')],
	names: [() => import('./pages/names.js')],
	communities: [() => import('./pages/communities.js'), () => import('./pages/community.js')],
	channels: [() => import('./pages/channels.js'), () => import('./pages/channel.js')],
	registration: [() => import('./pages/registration.js')],
	admins: [() => import('./pages/admins.js')],
	audit: [() => import('./pages/audit.js')],
}

const NAVIGATION = [
	[['', 'Overview']],
	[['users', 'Users'], ['names', 'Discriminators'], ['communities', 'Communities'], ['channels', 'Channels']],
	[['registration', 'Registration'], ['admins', 'Admins and tokens'], ['audit', 'Audit log']],
]

const KEYS = [['/', 'Search'], ['↑ ↓', 'Move through a list or the picture'], ['Enter', 'Open'], ['Space', 'Select'], ['Esc', 'Close, or clear the search'], ['?', 'Show the keys']]

function showKeys() {
	ask({ title: 'Keys', body: html`<${Facts} rows=${KEYS.map(([key, text]) => [html`<kbd>${key}</kbd>`, text])} />` })
}

function ThemeSwitch() {
	const [chosen, set] = useState(theme())
	const choose = (theme) => {
		set(theme)
		setTheme(theme)
	}
	return html`<${Choice} label=Theme value=${chosen} options=${[['system', 'System'], ['light', 'Light'], ['dark', 'Dark']]} change=${choose} />`
}

const Brand = () => html`<a class=brand href="#/"><img src="./icon.svg" alt="" width=24 height=24 />Saryno</a>`

function Navigation({ here, admin, leave }) {
	const [open, setOpen] = useState(false)
	const button = useRef(null)
	useEffect(() => setOpen(false), [here])
	const shut = (event) => {
		if (event.key !== 'Escape' || !open) return
		setOpen(false)
		button.current.focus()
	}
	return html`
		<header class=side onKeyDown=${shut}>
			<div class=side-top>
				<${Brand} />
				<button ref=${button} class="menu bare" aria-expanded=${String(open)} aria-controls=menu onClick=${() => setOpen(!open)}><${Icon} name=${open ? 'close' : 'menu'} />Menu</button>
			</div>
			<div id=menu class=${`side-menu ${open ? 'open' : ''}`}>
				<nav aria-label=Pages>
					${NAVIGATION.map((group, index) => html`
						<ul key=${index}>
							${group.map(([path, label]) => html`<li key=${path}><a href=${`#/${path}`} aria-current=${here === path ? 'page' : undefined} onClick=${() => setOpen(false)}><${Icon} name=${path || 'overview'} />${label}</a></li>`)}
						</ul>`)}
				</nav>
				<div class=side-foot>
					<p class=me><span>Logged in as</span> <b><bdi>${admin.name}</bdi></b></p>
					<${ThemeSwitch} />
					<div class=side-actions>
						<button class="quiet small" onClick=${leave}><${Icon} name=logout />Log out</button>
						<button class="quiet small" onClick=${showKeys} aria-label="Keyboard shortcuts"><kbd>?</kbd></button>
					</div>
				</div>
			</div>
		</header>`
}

const loaded = new Map()

function Page({ route, admin }) {
	const [name = '', id, rest] = route.path
	const load = Object.hasOwn(PAGES, name) && rest === undefined && PAGES[name][id === undefined ? 0 : 1]
	const [, ready] = useState(0)
	const [error, fail] = useState(null)
	const key = load && `${name} ${id === undefined}`
	useEffect(() => {
		if (!load || loaded.has(key)) return
		fail(null)
		load().then(
			(module) => {
				loaded.set(key, module.default)
				ready((count) => count + 1)
			},
			() => fail(new Error('This part of the page could not be loaded. Is the server running? Then reload.')),
		)
	}, [key])

	if (!load) return html`<${Head} title="No such page" /><p>There is no page at <code>${route.hash}</code>. <a href="#/">Go to the overview</a>.</p>`
	if (error) return html`<${Problem} error=${error} />`
	const View = loaded.get(key)
	return View ? html`<${View} key=${key + id} id=${id} query=${route.query} admin=${admin} />` : html`<${Waiting} />`
}

function App() {
	const route = useRoute()
	const [state, setState] = useState(null)
	const [error, fail] = useState(null)
	const [Enter, setEnter] = useState(null)
	const link = ['setup', 'password'].includes(route.path[0]) && route.path[1]
	const outside = state && (link || !state.admin)

	const look = () => get('/state').then(setState, fail)
	useEffect(() => {
		look()
		whenSessionEnds(() => setState((state) => {
			if (state?.admin) {
				clearToasts()
				toast('Your session has ended. Log in to go on.')
			}
			return { set_up: true, admin: null, version: null }
		}))
	}, [])
	useEffect(closeDialogs, [route.path.join('/'), Boolean(outside)])
	useEffect(() => {
		if (outside && !Enter) import('./pages/enter.js').then((module) => setEnter(() => module.default), fail)
	}, [outside])

	if (error) return html`<main id=main class=enter><h1>Saryno</h1><${Problem} error=${error} retry=${() => { fail(null); look() }} /></main>`
	if (!state) return html`<main id=main class=enter><h1 class=unseen>Saryno</h1><${Waiting} /></main>`
	if (outside) {
		const entered = (admin) => {
			setState({ set_up: true, admin })
			if (link) go('#/', { replace: true })
		}
		return html`
			<header class=enter-head><${Brand} /><${ThemeSwitch} /></header>
			<main id=main class=enter>${Enter ? html`<${Enter} key=${link ? route.path[0] : 'log in'} way=${link ? route.path[0] : state.set_up ? 'log in' : 'not set up'} code=${link} state=${state} entered=${entered} />` : html`<${Waiting} />`}</main>
			<${Dialogs} /><${Toasts} />`
	}
	const leave = () => attempt(async () => {
		await post('/logout')
		clearToasts()
		setState({ set_up: true, admin: null })
		go('#/')
	})
	const skip = (event) => {
		event.preventDefault()
		document.querySelector('#main').focus()
	}
	return html`
		<a class=skip href="#main" onClick=${skip}>Skip to the content</a>
		<div class=frame>
			<${Navigation} here=${route.path[0] || ''} admin=${state.admin} leave=${leave} />
			<main id=main tabindex=-1><${Page} route=${route} admin=${state.admin} /></main>
		</div>
		<${Dialogs} /><${Toasts} />`
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

// What had the focus may go, with a row that was deleted or a bar that was closed: then the focus goes to the heading.
let focused = null
addEventListener('focusin', (event) => (focused = event.target))
new MutationObserver(() => {
	if (!focused || focused.isConnected || document.activeElement !== document.body) return
	focused = null
	document.querySelector('h1[tabindex]')?.focus({ preventScroll: true })
}).observe(document.querySelector('#app'), { childList: true, subtree: true })

render(html`<${App} />`, document.querySelector('#app'))
