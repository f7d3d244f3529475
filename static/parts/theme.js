// Dark and light: the system's choice unless the switch says otherwise.

import { useListener, useState } from './page.js'

const KEY = 'saryno-theme'
const tell = () => dispatchEvent(new Event('theme'))

export function theme() {
	try {
		return localStorage.getItem(KEY) || 'system'
	} catch {
		return 'system' // storage may be forbidden
	}
}

export function setTheme(choice) {
	try {
		if (choice === 'system') localStorage.removeItem(KEY)
		else localStorage.setItem(KEY, choice)
	} catch {
		// then it holds until the page is left
	}
	apply(choice)
}

export function apply(choice = theme()) {
	if (choice === 'system') delete document.documentElement.dataset.theme
	else document.documentElement.dataset.theme = choice
	tell()
}

/** Draws again, and counts how often, when the colours have changed. */
export function useTheme() {
	const [turn, next] = useState(0)
	useListener('theme', () => next(turn + 1))
	return turn
}

for (const media of ['prefers-color-scheme: dark', 'forced-colors: active']) matchMedia(`(${media})`).addEventListener('change', tell)

const probe = document.createElement('i')

/** A colour of the style sheet as a canvas understands it: `color('--accent')`. */
export function color(name) {
	if (!probe.isConnected) {
		probe.hidden = true
		document.documentElement.append(probe)
	}
	probe.style.color = `var(${name})`
	return getComputedStyle(probe).color
}
