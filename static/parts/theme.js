// Dark and light: the system's choice unless the switch says otherwise.

import { useEffect, useState } from '../vendor/htm.js'

const KEY = 'saryno-theme'
const dark = matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set()

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
	listeners.forEach((listener) => listener())
}

/** Draws again, and counts how often, when the colours have changed. */
export function useTheme() {
	const [turn, next] = useState(0)
	useEffect(() => {
		const listener = () => next((turn) => turn + 1)
		listeners.add(listener)
		return () => listeners.delete(listener)
	}, [])
	return turn
}

const forced = matchMedia('(forced-colors: active)')
for (const media of [dark, forced]) media.addEventListener('change', () => listeners.forEach((listener) => listener()))

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
