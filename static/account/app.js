// Boot, session, navigation of the page for people without a chat client.

import { get, headers, post, whenSessionEnds } from '../api.js'
import { attempt, clearToasts, closeDialogs, toast } from '../parts/dialog.js'
import { Inside, Outside, Start, View } from '../parts/frame.js'
import { go, Head, html, render, useEffect, useListener, useLoad, useRoute } from '../parts/page.js'
import { called } from '../parts/user.js'

const enter = () => import('./enter.js')
const pages = () => import('./pages.js')
const INSIDE = { '': () => import('./profile.js'), communities: pages, invite: pages, blocks: pages, security: pages, data: pages }

const NAVIGATION = [[
	['', 'Profile', 'M10 9.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM3.5 17.5c.5-3.4 3.2-5 6.5-5s6 1.6 6.5 5'],
	['communities', 'Communities', 'M3 17V8l7-5 7 5v9ZM8 17v-5h4v5'],
	['blocks', 'Blocks', 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM5 5l10 10'],
	['security', 'Security', 'M10 2.5l6 2.3v4.7c0 4-2.5 6.7-6 8-3.5-1.3-6-4-6-8V4.8ZM7.5 10l2 2 3.5-4'],
	['data', 'Data', 'M10 3v9.5M6 9l4 4 4-4M3.5 16.5h13'],
]]

function Farewell({ name, leave }) {
	return html`
		<${Head} title="Your account is deleted" />
		<p>${name} is nobody’s any more: the name is free, and your password, sessions and tokens are gone. Thank you for having been here.</p>
		<p><button onClick=${leave}>To the log-in</button></p>`
}

function App() {
	const { path: [place = '', id, rest], query, hash } = useRoute()
	const { data: state, replace, ...unread } = useLoad('/state')
	const me = state?.user
	// A link that somebody was handed is followed whoever is logged in.
	const link = ['join', 'reset'].includes(place)

	/** The session is over. */
	const over = (said, more) => {
		clearToasts()
		if (said) toast(said)
		replace({ ...state, user: null, ...more })
	}
	/** In another tab the session may have been ended, or one of somebody else begun: from then on the page is theirs. */
	const look = async () => {
		if (!me) return
		const found = await get('/state')
		if (found.session === state.session) return
		if (found.user?.id === me.id) replace(found)
		else over(found.user ? html`You are logged in as ${called(found.user)} now.` : !found.disabled && 'Your session has ended. Log in to go on.', found)
	}
	// What is done here is done as who shows here, or it is refused.
	if (me) headers['X-Saryno-User'] = me.id
	else delete headers['X-Saryno-User']
	whenSessionEnds(look)
	// A server that doesn't answer now is told of as soon as something is asked of it.
	useListener('visibilitychange', () => document.hidden || look().catch(() => {}))
	useEffect(closeDialogs, [hash, me?.id])

	if (!state) return html`<${Start} ...${unread} />`
	if (state.gone) return html`<${Outside}><${Farewell} name=${called(state.gone)} leave=${() => { replace({ ...state, gone: null }); go('#/') }} /><//>`

	const leave = () => attempt(async () => {
		await post('/logout')
		over()
		if (!link) go('#/')
	})
	if (!me || link) {
		const entered = async () => {
			replace(await get('/state'))
			if (link || place === 'register') go(`#${query.next || '/'}`, { replace: true })
		}
		return html`<${Outside}><${View} key=${place + id} load=${enter} code=${id} next=${query.next} place=${place} state=${state} entered=${entered} leave=${leave} /><//>`
	}
	const load = rest === undefined && (id === undefined || place === 'invite') && Object.hasOwn(INSIDE, place) && INSIDE[place]
	return html`
		<${Inside} groups=${NAVIGATION} here=${place === 'invite' ? 'communities' : place} name=${called(me)} leave=${leave}>
			${load
				? html`<${View} key=${place + id + me.id} load=${load} place=${place} code=${id} me=${me} session=${state.session} change=${(user) => replace({ ...state, user })} over=${over} />`
				: html`<${Head} title="No such page" /><p>There is no page at <code>${hash}</code>. <a href="#/">Go to your profile</a>.</p>`}
		<//>`
}

render(html`<${App} />`, document.querySelector('#app'))
