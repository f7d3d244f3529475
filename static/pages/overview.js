import { BASE } from '../api.js'
import { Bars, Chart } from '../parts/chart.js'
import { useFresh } from '../parts/fresh.js'
import { bytes, plain } from '../parts/number.js'
import { Card, Facts, Head, html, Unread, useEffect, useListener, useMemo, useRef, useState } from '../parts/page.js'
import { duration } from '../parts/time.js'

const MOST = 300
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })

const milliseconds = (micro) => (micro < 995 ? `${Math.round(micro)} µs` : micro < 9950 ? `${(micro / 1000).toFixed(1)} ms` : `${plain.format(Math.round(micro / 1000))} ms`)

export default function Overview() {
	const { data: overview, ...unread } = useFresh('/overview')
	const backups = useFresh('/backups')
	const read = useMemo(Date.now, [overview])
	const [samples, setSamples] = useState([])
	const [connected, setConnected] = useState(false)
	const close = useRef()

	useEffect(() => {
		if (!overview || close.current || document.hidden) return
		setSamples(overview.history)
		close.current = live((sample) => setSamples((old) => (sample.at === old.at(-1)?.at ? old : [...old, sample].slice(-MOST))), (on, ended) => {
			setConnected(on)
			if (ended) close.current = null
		})
	}, [overview])
	const leave = () => {
		close.current?.()
		close.current = null
		setConnected(false)
	}
	// HTTP/1.1 has six connections for a host: a tab that nobody looks at holds none.
	useListener('visibilitychange', () => document.hidden && leave())
	useEffect(() => leave, [])

	if (!overview) return html`<${Head} title=Overview /><${Unread} ...${unread} />`
	const { counts, dms, database, version, registration } = overview
	const uptime = overview.uptime + (Date.now() - read) / 1000
	const warnings = backups.error?.status === 500 ? [backups.error.message] : backups.data?.warnings
	return html`
		<${Head} title=Overview><p class=${`live ${connected ? 'on' : ''}`} role=status>${connected ? 'Live' : 'Connecting …'}</p><//>
		<div role=status>${warnings?.map((text) => html`<p key=${text} class="banner warning">${text} <a href="#/backups">Backups</a></p>`)}</div>
		<div class=tiles>
			<${Tile} label=Users count=${counts.users} href="#/users" />
			<${Tile} label=Bots count=${counts.bots} href="#/users?filter=bot" />
			<${Tile} label=Communities count=${counts.communities} href="#/communities" />
			<${Tile} label=DMs count=${counts.dms} />
			<${Tile} label=Groups count=${counts.groups} />
			<${Tile} label=Registration value=${registration[0].toUpperCase() + registration.slice(1)} href="#/registration" />
		</div>
		<${Charts} samples=${samples} />
		<div class=trio>
			<${Dedup} created=${dms.created} stood=${dms.stood} />
			<${Commits} batches=${database.batches} />
			<${Card} title=Server>
				<${Facts} rows=${[['Database', bytes(database.bytes)], ['Write-ahead log', bytes(database.wal_bytes)], ['Uptime', duration(uptime)], ['Version', version]]} />
			<//>
		</div>`
}

function Tile({ label, count, value = short.format(count), href }) {
	const inside = html`<span class=label>${label}</span><span class=value title=${count > 9999 ? plain.format(count) : undefined}>${value}</span>`
	return href ? html`<a class=tile href=${href}>${inside}</a>` : html`<div class=tile>${inside}</div>`
}

function Charts({ samples }) {
	// Seconds that are missing, as after a restart, break the lines.
	const line = samples.map((sample) => ({ ...sample, time: Date.parse(sample.at) / 1000 }))
		.flatMap((sample, index, all) => (index && sample.time - all[index - 1].time > 2.5 ? [{ time: sample.time - 1 }, sample] : [sample]))
	const times = line.map(({ time }) => time)
	const of = (pick) => line.map((sample) => (sample.at ? pick(sample) : null))
	const busy = (name) => of((sample) => (sample.requests ? sample[name] : null))
	const share = (name) => of((sample) => (sample.requests ? sample[name] / sample.requests : 0))
	return html`
		<div class=charts>
			<${Chart} title="Requests a second" times=${times} axis=${short.format} show=${plain.format} least=${5} fill series=${[['Requests', '--chart-1', of(({ requests }) => requests)]]} />
			<${Chart} title=Latency times=${times} axis=${milliseconds} least=${1000} series=${[['p50', '--chart-1', busy('p50')], ['p99', '--chart-2', busy('p99'), true]]} />
			<${Chart} title="Error share" times=${times} axis=${percent.format} least=${0.05} series=${[['Refused', '--chart-2', share('client_errors'), true], ['Failed', '--danger', share('server_errors')]]} />
			<${Chart} title="DMs opened" times=${times} axis=${short.format} show=${plain.format} least=${5} series=${[
				['Created', '--chart-1', of(({ dms_created }) => dms_created)],
				['Stood already', '--chart-4', of(({ dms_stood }) => dms_stood), true],
			]} />
		</div>`
}

function Dedup({ created, stood }) {
	const all = created + stood
	return html`
		<${Card} title="DMs since the start">
			<div class=split aria-hidden=true>${Object.entries({ created, stood }).map(([name, share]) => share > 0 && html`<span key=${name} class=${name} style=${{ flexGrow: share }}></span>`)}</div>
			<${Facts} rows=${[['Created', plain.format(created)], ['Stood already', plain.format(stood)], ['Deduplicated', all ? percent.format(stood / all) : '–']]} />
			<p class=hint>Two people have one DM, whoever opens it: a request for one that stands makes no second.</p>
		<//>`
}

function Commits({ batches }) {
	const last = batches.at(-1)
	const mean = batches.length ? batches.reduce((sum, size) => sum + size, 0) / batches.length : 0
	const most = Math.max(0, ...batches)
	return html`
		<${Card} title="Commit batches">
			${batches.length
				? html`
					<${Bars} values=${batches} label=${`Sizes of the last ${batches.length} commits: latest ${last}, mean ${mean.toFixed(1)}, largest ${most}`} />
					<${Facts} rows=${[['Latest', last], [`Mean of ${batches.length}`, mean.toFixed(1)], ['Largest', most]]} />`
				: html`<p class=muted>Nothing has been written since the start.</p>`}
			<p class=hint>How many changes went to disk together, in each of the last commits.</p>
		<//>`
}

/** Follows the samples, one a second, until the function it returns is called. `state` hears whether it is live, else whether for good. */
function live(sample, state) {
	const source = new EventSource(`${BASE}/live`)
	source.addEventListener('open', () => state(true))
	source.addEventListener('sample', (event) => sample(JSON.parse(event.data)))
	// The browser reconnects by itself but for a refusal, whose reason it keeps to itself.
	source.addEventListener('error', () => state(false, source.readyState === EventSource.CLOSED))
	return () => source.close()
}
