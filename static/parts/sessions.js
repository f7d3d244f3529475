import { html, useRef } from '../vendor/htm.js'
import { askToRemove } from './dialog.js'
import { List } from './list.js'
import { Card } from './load.js'
import { madeAt, Time } from './time.js'
import { called } from './user.js'

export function Sessions({ user, issue, reset }) {
	const list = useRef(null)
	const path = `/users/${user.id}/sessions`
	const again = () => list.current?.reload()
	const end = (session) => askToRemove({
		path: `${path}/${session.id}`, title: 'End this session', submit: 'End it', done: again, said: html`Session of ${called(user)} ended.`,
		text: html`The token of ${session.name ? html`“<bdi>${session.name}</bdi>”` : 'this session'} of ${called(user)} stops working at once.`,
	})
	const endAll = () => askToRemove({
		path, title: html`End all sessions of ${called(user)}`, submit: 'End all', done: again, said: html`All sessions of ${called(user)} ended.`,
		text: 'Every device and every bot that uses this account is logged out at once and needs a new token.',
	})
	const columns = [
		['Session', 'main', (session) => (session.name ? html`<bdi>${session.name}</bdi>` : html`<span class=muted>Without a name</span>`)],
		['Begun', 'sub', (session) => html`begun <${Time} at=${madeAt(session.id)} />`],
		['Last used', 'sub', (session) => session.last_used ? html`used <${Time} at=${session.last_used} />` : 'never used'],
		['Actions', 'end', (session) => html`<button class=small onClick=${() => end(session)}>End<span class=unseen> ${session.name || 'this session'}</span></button>`],
	]
	return html`
		<${Card} title="Sessions and tokens" action=${html`<div class=buttons>
				<button class=small onClick=${() => issue(again)}>Issue a token</button>
				<button class=small onClick=${reset}>Reset link</button>
				<button class=small onClick=${endAll}>End all</button>
			</div>`}>
			<${List} path=${`${path}?limit=10`} label=Sessions columns=${columns} template="minmax(0, 2fr) minmax(0, 1fr) minmax(0, 1fr) 5rem" handle=${list} embedded
				empty=${['No sessions.', 'Nobody is logged in to this account. A token or a reset link lets somebody in.']} />
		<//>`
}
