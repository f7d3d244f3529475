import { html } from '../vendor/htm.js'
import { query as withQuery } from '../api.js'
import { ACTIONS, Sentence, targetAddress } from '../parts/deeds.js'
import { ask } from '../parts/dialog.js'
import { List } from '../parts/list.js'
import { Facts, Head } from '../parts/load.js'
import { address, go } from '../parts/router.js'
import { Choice, Search } from '../parts/search.js'
import { exactly, Time, When } from '../parts/time.js'
import { named } from '../parts/user.js'

const OPTIONS = [['', 'Everything'], ...Object.entries(ACTIONS).map(([key, [label]]) => [key, label])]

const shown = (value) => {
	if (value === null || value === undefined || value.length === 0) return '–'
	if (Array.isArray(value)) return value.map(shown).join(', ')
	return typeof value === 'object' ? Object.entries(value).map(([key, value]) => `${key} ${shown(value)}`).join(' · ') : String(value)
}

function Details({ entry, close }) {
	const { before, after, target } = entry
	const keys = [...new Set([...Object.keys(before || {}), ...Object.keys(after || {})])]
	const link = targetAddress(target)
	return html`
		<p><${Sentence} entry=${entry} /></p>
		<${Facts} rows=${[
			['When', html`<${When} at=${entry.at} />`],
			['From', entry.address ? html`<span class=mono>${entry.address}</span>` : 'this machine'],
			['Via', html`<bdi>${entry.via}</bdi>`],
			['Action', html`<code>${entry.action}</code>`],
			...(target ? [['Target', html`${link ? html`<a href=${link} onClick=${close}>${named(target.name)}</a>` : named(target.name)}${target.id && html` <span class="mono muted">${target.id}</span>`}`]] : []),
		]} />
		${keys.length > 0 && html`
			<table class=diff>
				<thead><tr><th scope=col>What</th><th scope=col>Before</th><th scope=col>After</th></tr></thead>
				<tbody>${keys.map((key) => {
					const [was, is] = [shown(before?.[key]), shown(after?.[key])]
					return html`<tr key=${key} class=${was === is ? '' : 'changed'}><th scope=row>${key}</th><td>${named(was)}</td><td>${named(is)}</td></tr>`
				})}</tbody>
			</table>`}
		${target?.id && html`<p><a href=${address('/audit', { target: target.id })} onClick=${close}>Everything about this ${target.kind}</a></p>`}`
}

const COLUMNS = [
	['What', 'main', (entry) => html`<button class=link tabindex=-1 onClick=${() => open(entry)}><${Sentence} entry=${entry} /></button>`],
	['When', 'sub', ({ at }) => html`<span class=exact>${exactly(at)}</span> <${Time} at=${at} />`],
	['From', 'sub', (entry) => html`<span class=mono>${entry.address || 'this machine'}</span>`],
	['Via', 'end', ({ via }) => html`<span class=badge><bdi>${via}</bdi></span>`],
]

const open = (entry) => ask({ title: ACTIONS[entry.action]?.[0] || entry.action, wide: true, body: (close) => html`<${Details} entry=${entry} close=${close} />` })

export default function Audit({ query }) {
	const change = (values) => go(address('/audit', { ...query, ...values }), { replace: true })
	const filtered = query.admin || query.action || query.target
	return html`
		<${Head} title="Audit log" note="What admins did, on this page, through the API and on the command line. Entries are only ever added." />
		<div class=bar>
			<${Search} value=${query.admin} label=Admin placeholder="Name of an admin" change=${(admin) => change({ admin })} />
			<${Search} value=${query.target} label=Target placeholder="Id of what was acted on" change=${(target) => change({ target })} />
			<${Choice} label=Action value=${query.action} options=${OPTIONS} change=${(action) => change({ action })} />
		</div>
		<${List} path=${withQuery('/audit', { admin: query.admin, action: query.action, target: query.target, limit: 100 })} label="Audit log" columns=${COLUMNS} rows=${[48, 80]} narrow=${800}
			template="minmax(14rem, 2.4fr) minmax(18.5rem, 1fr) minmax(8rem, 0.5fr) minmax(8rem, 0.8fr)" open=${open}
			empty=${filtered
				? ['Nothing in the log matches.', html`Admin is a whole name, target a whole id. <button onClick=${() => change({ admin: '', action: '', target: '' })}>Show everything</button>`]
				: ['The log is empty.', 'Every change that an admin makes shows here.']} />`
}
