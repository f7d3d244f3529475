import { query as withQuery } from '../api.js'
import { State, UserChip } from '../parts/chip.js'
import { count, deeds } from '../parts/deeds.js'
import { createUser } from '../parts/edit_user.js'
import { Choice } from '../parts/form.js'
import { List } from '../parts/list.js'
import { address, go, Head, html, Icon, useListener, useRef, useState } from '../parts/page.js'
import { Order, Search } from '../parts/search.js'
import { madeAt, Time } from '../parts/time.js'
import { Flags, isDeleted, tag, userAddress } from '../parts/user.js'

const FILTERS = [['', 'Everyone'], ['developer', 'Developers'], ['bot', 'Bots'], ['system', 'System accounts'], ['disabled', 'Disabled'], ['deleted', 'Deleted']]
const MOST = 200

const COLUMNS = [
	['User', 'main', ({ user }) => html`<${UserChip} user=${user} tabindex=-1 />`],
	['Id', 'wide', ({ user }) => html`<span class=mono>${user.id}</span>`],
	['Made', 'sub', ({ user }) => html`<${Time} at=${madeAt(user.id)} />`],
	['Flags', 'end', ({ user }) => html`<${Flags} user=${user} />`],
	['State', 'end', (account) => html`<${State} account=${account} />`],
]

export default function Users({ query }) {
	const [selected, setSelected] = useState(new Map())
	const list = useRef()
	const path = withQuery('/users', { search: query.search, filter: query.filter, order: query.search ? '' : query.order, limit: 100 })
	const change = (values) => {
		setSelected(new Map())
		go(address('/users', { ...query, ...values }), { replace: true })
	}
	const create = () => createUser({ done: () => list.current?.reload() })

	const select = {
		has: ({ user }) => selected.has(user.id),
		name: ({ user }) => tag(user),
		all: (items) => first(items).every(({ user }) => selected.has(user.id)) && selected.size > 0,
		every: (items) => setSelected(new Map(select.all(items) ? [] : first(items).map((item) => [item.user.id, item]))),
		toggle: (item) => setSelected((old) => {
			const next = new Map(old)
			if (next.delete(item.user.id) || !pickable(item)) return next
			return next.size < MOST ? next.set(item.user.id, item) : old
		}),
	}

	const now = (changed) => {
		setSelected((old) => {
			const next = new Map(old)
			for (const account of changed) {
				if (isDeleted(account.user)) next.delete(account.user.id)
				else if (old.has(account.user.id)) next.set(account.user.id, account)
			}
			return next
		})
		list.current?.update(changed)
	}

	return html`
		<${Head} title=Users><button class=primary onClick=${create}><${Icon} name=plus />Create a user</button><//>
		<div class=bar>
			<${Search} value=${query.search} label="Search users" placeholder="Name, name#00, name#0001 or id" change=${(search) => change({ search })} />
			<${Choice} label=Show value=${query.filter} options=${FILTERS} change=${(filter) => change({ filter })} />
			<${Order} query=${query} change=${change} />
		</div>
		<${List} path=${path} label=Users columns=${COLUMNS} template="minmax(12rem, 3fr) minmax(10.5rem, 1.2fr) minmax(8rem, 1fr) minmax(13.5rem, 1.4fr) 6rem" narrow=${880} id=${({ user }) => user.id}
			href=${({ user }) => userAddress(user.id)} select=${select} handle=${list} empty=${none(query, create, () => change({ search: '', filter: '' }))} />
		${selected.size > 0 && html`<${Selection} accounts=${[...selected.values()]} now=${now} clear=${() => setSelected(new Map())} />`}`
}

const pickable = ({ user }) => !isDeleted(user)
const first = (items) => items.filter(pickable).slice(0, MOST)

function none(query, create, clear) {
	if (!query.search && !query.filter) {
		return ['There are no users yet.', html`Create the first one, or <a href="#/registration">open the registration</a>. <button onClick=${create}>Create a user</button>`]
	}
	return [query.search ? html`Nobody here matches “<bdi>${query.search}</bdi>”.` : 'Nobody matches this filter.', html`A search takes the beginning of a name, a tag such as ann#0001, or a whole id. <button onClick=${clear}>Show everyone</button>`]
}

function Selection({ accounts, now, clear }) {
	const { flag, disable, enable, erase } = deeds(accounts, now)

	useListener('keydown', (event) => event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('dialog[open]') && clear())

	return html`
		<div class=selection role=region aria-label=Selection>
			<p><b>${count(accounts.length)}</b> selected${accounts.length === MOST ? ', as many as go at once' : ''}</p>
			<div class=buttons>
				<button class=small onClick=${() => flag(true)}>Set flag</button>
				<button class=small onClick=${() => flag(false)}>Clear flag</button>
				<button class=small onClick=${disable}>Disable</button>
				<button class=small onClick=${enable}>Enable</button>
				<button class="small danger" onClick=${erase}>Delete</button>
				<button class="small quiet" onClick=${clear}>Clear the selection</button>
			</div>
		</div>`
}
