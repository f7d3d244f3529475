// The only file that calls fetch.

/** Of the page that this is a part of: `/admin/api` or `/account/api`. */
export const BASE = new URL('api', location).pathname

/** What goes with every request but `/state`, which tells who is logged in. */
export const headers = { 'Content-Type': 'application/json' }

/** What the server refused: `fields` says at which field, `message` what to do about it. */
class ApiError extends Error {
	constructor(status, { errors = [], ...body }) {
		super((errors.length === 1 && errors[0].message) || body.message || 'The server answered with an error; try again.')
		this.status = status
		this.code = body.code
		this.wait = body.retry_after
		this.reason = errors[0]?.code
		this.fields = Object.fromEntries(errors.map((error) => [error.field.replace(/\[.*/, ''), error.message]))
	}
}

let ended = () => {}
let changed = () => {}

export const whenSessionEnds = (listener) => (ended = listener)
/** Called after every change, so that what was read before can be forgotten. */
export const whenChanged = (listener) => (changed = listener)

async function request(method, path, body, signal) {
	let response
	try {
		response = await fetch(path.startsWith(BASE) ? path : BASE + path, {
			method,
			signal,
			headers: path === '/state' ? {} : headers,
			body: body === undefined ? undefined : JSON.stringify(body),
		})
	} catch (error) {
		if (error.name === 'AbortError') throw error
		throw new ApiError(0, { code: 'unreachable', message: `The server can’t be reached. ${BASE.endsWith('/admin/api') ? 'Is it running? Then try' : 'Try'} again.` })
	}
	const answer = response.status === 204 ? null : await response.json().catch(() => ({}))
	// Half an answer is none.
	signal?.throwIfAborted()
	if (!response.ok) {
		if (['unauthorized', 'account_disabled'].includes(answer.code)) await ended()
		throw new ApiError(response.status, answer || {})
	}
	if (method !== 'GET') changed()
	return { answer, response }
}

const answer = async (...args) => (await request(...args)).answer

const by = (method) => (path, body) => answer(method, path, body)

export const get = (path, signal) => answer('GET', path, undefined, signal)
export const post = by('POST')
export const put = by('PUT')
export const patch = by('PATCH')
export const remove = by('DELETE')

/** One page of a list, and where the next one is. */
export async function page(path, signal) {
	const { answer, response } = await request('GET', path, undefined, signal)
	const next = /<([^>]+)>\s*;\s*rel="next"/.exec(response.headers.get('Link') || '')
	return { items: answer, next: next ? next[1] : null }
}

/** A path with its query; what is empty is left out. */
export function query(path, values) {
	const set = Object.entries(values).filter(([, value]) => value !== '' && value != null)
	return set.length ? `${path}?${new URLSearchParams(set)}` : path
}
