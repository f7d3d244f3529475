// The frame that every view stands in, within a session and without.

import { Dialogs, Toasts } from './dialog.js'
import { Choice } from './form.js'
import { html, Icon, Problem, Unread, useEffect, useRef, useState, Waiting } from './page.js'
import { apply, setTheme, theme } from './theme.js'

apply()
history.scrollRestoration = 'manual'

function ThemeSwitch() {
	const [chosen, set] = useState(theme())
	const choose = (theme) => {
		set(theme)
		setTheme(theme)
	}
	return html`<${Choice} label=Theme value=${chosen} options=${[['system', 'System'], ['light', 'Light'], ['dark', 'Dark']]} change=${choose} />`
}

const Brand = () => html`<a class=brand href="#/"><img src="./icon.svg" alt="" width=24 height=24 />Saryno</a>`

/** `groups` of views, each as `[first part of its address, label, icon]`. */
function Navigation({ groups, here, name, leave, more }) {
	const [open, setOpen] = useState(false)
	const button = useRef()
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
				<button ref=${button} class="menu bare" aria-expanded=${open} aria-controls=menu onClick=${() => setOpen(!open)}><${Icon} name=${open ? 'close' : 'menu'} />Menu</button>
			</div>
			<div id=menu class=${`side-menu ${open ? 'open' : ''}`}>
				<nav aria-label=Pages>
					${groups.map((group, index) => html`
						<ul key=${index}>
							${group.map(([path, label, icon]) => html`<li key=${path}><a href=${`#/${path}`} aria-current=${here === path ? 'page' : undefined} onClick=${() => setOpen(false)}><${Icon} path=${icon} />${label}</a></li>`)}
						</ul>`)}
				</nav>
				<div class=side-foot>
					<p class=me><span>Logged in as</span> <b>${name}</b></p>
					<${ThemeSwitch} />
					<a class=back href="../docs/">Documentation</a>
					<div class=side-actions>
						<button class="quiet small" onClick=${leave}><${Icon} name=logout />Log out</button>
						${more}
					</div>
				</div>
			</div>
		</header>`
}

function skip(event) {
	event.preventDefault()
	document.querySelector('#main').focus()
}

/** Within a session. */
export const Inside = ({ children, ...navigation }) => html`
	<a class=skip href="#main" onClick=${skip}>Skip to the content</a>
	<div class=frame>
		<${Navigation} ...${navigation} />
		<main id=main tabindex=-1>${children}</main>
	</div>
	<${Dialogs} /><${Toasts} />`

/** Without one. */
export const Outside = ({ children }) => html`
	<header class=enter-head><${Brand} /><${ThemeSwitch} /></header>
	<main id=main class=enter>${children}</main>
	<${Dialogs} /><${Toasts} />`

/** While it isn't known whether there is one. */
export const Start = (unread) => html`<main id=main class=enter><h1 class=${unread.error ? '' : 'unseen'}>Saryno</h1><${Unread} ...${unread} /></main>`

const loaded = new Map()

/** A view whose module is loaded when it first shows. */
export function View({ load, ...rest }) {
	const [, ready] = useState(false)
	const [error, fail] = useState(null)
	useEffect(() => {
		if (loaded.has(load)) return
		load().then(
			(module) => {
				loaded.set(load, module.default)
				ready(true)
			},
			() => fail(new Error('This part of the page could not be loaded. Reload to try again.')),
		)
	}, [])
	if (error) return html`<${Problem} error=${error} />`
	const Loaded = loaded.get(load)
	return Loaded ? html`<${Loaded} ...${rest} />` : html`<${Waiting} />`
}

// What had the focus may go, with a deleted row or a closed bar: then the focus goes to the heading.
let focused = null
addEventListener('focusin', (event) => (focused = event.target))
new MutationObserver(() => {
	if (!focused || focused.isConnected || document.activeElement !== document.body) return
	focused = null
	document.querySelector('h1[tabindex]')?.focus({ preventScroll: true })
}).observe(document.querySelector('#app'), { childList: true, subtree: true })
