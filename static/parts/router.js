// Every view has an address in the hash, as `#/users?search=ann`, and survives a reload.

import { query } from '../api.js'
import { useEffect, useState } from '../vendor/htm.js'

export function current() {
	const [path, search = ''] = location.hash.replace(/^#/, '').split(/\?(.*)/s)
	return {
		hash: location.hash,
		path: path.split('/').filter(Boolean).map(decode),
		query: Object.fromEntries(new URLSearchParams(search)),
	}
}

// A hand-written address may hold a stray percent sign.
function decode(text) {
	try {
		return decodeURIComponent(text)
	} catch {
		return text
	}
}

/** The address of a view. */
export const address = (path, values) => `#${query(path, values)}`

export function go(hash, { replace = false } = {}) {
	if (hash === location.hash) return
	if (!replace) {
		location.hash = hash
		return
	}
	history.replaceState(null, '', hash)
	dispatchEvent(new HashChangeEvent('hashchange'))
}

let serial = Date.now()
let visit = {}

export const visited = () => visit

function stamp() {
	const back = history.state?.visit !== undefined
	if (!back) history.replaceState({ visit: ++serial }, '')
	visit = { key: history.state.visit, back }
}

export function useRoute() {
	const [route, set] = useState(() => {
		stamp()
		return current()
	})
	useEffect(() => {
		const follow = () => {
			stamp()
			set(current())
		}
		addEventListener('hashchange', follow)
		return () => removeEventListener('hashchange', follow)
	}, [])
	return route
}
