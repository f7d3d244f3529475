import { html, useEffect, useState } from '../vendor/htm.js'
import { get, live } from '../api.js'
import { Bars, Chart } from '../parts/chart.js'
import { Head, Problem, Waiting } from '../parts/load.js'
import { duration } from '../parts/time.js'

const MOST = 300
const AGAIN = 10_000
const plain = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })

function bytes(count) {
	const unit = ['B', 'KiB', 'MiB', 'GiB', 'TiB'][Math.min(4, Math.floor(Math.log2(Math.max(1, count)) / 10))]
	const value = count / 1024 ** ['B', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit)
	return `${value < 10 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`
}

const milliseconds = (micro) => (micro < 995 ? `${Math.round(micro)} µs` : micro < 9950 ? `${(micro / 1000).toFixed(1)} ms` : `${plain.format(Math.round(micro / 1000))} ms`)

export default function Overview() {
	const [overview, set] = useState(null)
	const [error, fail] = useState(null)
	const [samples, setSamples] = useState([])
	const [connected, setConnected] = useState(false)

	useEffect(() => {
		let close = () => {}
		const look = async (first) => {
			try {
				const now = await get('/overview')
				set({ ...now, read: Date.now() })
				fail(null)
				if (first) {
					setSamples(now.history)
					close = live((sample) => setSamples((old) => (sample.at === old[old.length - 1]?.at ? old : [...old, sample].slice(-MOST))), setConnected)
				}
			} catch (error) {
				if (first) fail(error)
			}
		}
		look(true)
		const timer = setInterval(() => document.hidden || look(false), AGAIN)
		return () => {
			clearInterval(timer)
			close()
		}
	}, [])

	if (error) return html`<${Head} title=Overview /><${Problem} error=${error} />`
	if (!overview) return html`<${Head} title=Overview /><${Waiting} />`
	const { counts, dms, database, version, registration } = overview
	const uptime = overview.uptime + (Date.now() - overview.read) / 1000
	return html`
		<${Head} title=Overview><p class=${`live ${connected ? 'on' : ''}`} role=status>${connected ? 'Live' : 'Connecting …'}</p><//>
		<div class=tiles>
			<${Tile} label=Users value=${short.format(counts.users)} exact=${counts.users} href="#/users" />
			<${Tile} label=Bots value=${short.format(counts.bots)} exact=${counts.bots} href="#/users?filter=bot" />
			<${Tile} label=Communities value=${short.format(counts.communities)} exact=${counts.communities} href="#/communities" />
			<${Tile} label=DMs value=${short.format(counts.dms)} exact=${counts.dms} />
			<${Tile} label=Groups value=${short.format(counts.groups)} exact=${counts.groups} />
			<${Tile} label=Registration value=${registration[0].toUpperCase() + registration.slice(1)} href="#/registration" />
		</div>
		<${Charts} samples=${samples} />
		<div class=trio>
			<${Dedup} created=${dms.created} stood=${dms.stood} />
			<${Commits} batches=${database.batches} />
			<section class=card><header><h2>Server</h2></header>
				<dl class=facts>
					<div><dt>Database</dt><dd>${bytes(database.bytes)}</dd></div>
					<div><dt>Write-ahead log</dt><dd>${bytes(database.wal_bytes)}</dd></div>
					<div><dt>Uptime</dt><dd>${duration(uptime)}</dd></div>
					<div><dt>Version</dt><dd>${version}</dd></div>
				</dl>
			</section>
		</div>`
}

function Tile({ label, value, exact, href }) {
	const inside = html`<span class=label>${label}</span><span class=value title=${exact > 9999 ? plain.format(exact) : undefined}>${value}</span>`
	return href ? html`<a class=tile href=${href}>${inside}</a>` : html`<div class=tile>${inside}</div>`
}

function Charts({ samples }) {
	const times = samples.map(({ at }) => Date.parse(at) / 1000)
	const of = (pick) => samples.map(pick)
	const share = (name) => of((sample) => (sample.requests ? sample[name] / sample.requests : 0))
	const whole = (value) => plain.format(value)
	return html`
		<div class=charts>
			<${Chart} title="Requests a second" times=${times} axis=${short.format} least=${5} series=${[{ label: 'Requests', color: '--chart-1', fill: true, values: of(({ requests }) => requests), show: whole }]} />
			<${Chart} title=Latency times=${times} axis=${milliseconds} least=${1000} series=${[
				{ label: 'p50', color: '--chart-1', values: of(({ p50 }) => p50), show: milliseconds },
				{ label: 'p99', color: '--chart-2', dash: [5, 3], values: of(({ p99 }) => p99), show: milliseconds },
			]} />
			<${Chart} title="Error share" times=${times} axis=${percent.format} least=${0.05} series=${[
				{ label: 'Refused', color: '--chart-2', dash: [5, 3], values: share('client_errors'), show: percent.format },
				{ label: 'Failed', color: '--chart-3', values: share('server_errors'), show: percent.format },
			]} />
			<${Chart} title="DMs opened" times=${times} axis=${short.format} least=${5} series=${[
				{ label: 'Created', color: '--chart-1', values: of(({ dms_created }) => dms_created), show: whole },
				{ label: 'Stood already', color: '--chart-4', dash: [5, 3], values: of(({ dms_stood }) => dms_stood), show: whole },
			]} />
		</div>`
}

function Dedup({ created, stood }) {
	const all = created + stood
	return html`
		<section class=card><header><h2>DMs since the start</h2></header>
			<div class=split aria-hidden=true><span class=created style=${{ flexGrow: created }}></span><span class=stood style=${{ flexGrow: stood }}></span></div>
			<dl class=facts>
				<div><dt>Created</dt><dd>${plain.format(created)}</dd></div>
				<div><dt>Stood already</dt><dd>${plain.format(stood)}</dd></div>
				<div><dt>Deduplicated</dt><dd>${all ? percent.format(stood / all) : '–'}</dd></div>
			</dl>
			<p class=hint>Two people have one DM, whoever opens it: a request for one that stands makes no second.</p>
		</section>`
}

function Commits({ batches }) {
	const last = batches[batches.length - 1]
	const mean = batches.length ? batches.reduce((sum, size) => sum + size, 0) / batches.length : 0
	const most = Math.max(0, ...batches)
	return html`
		<section class=card><header><h2>Commit batches</h2></header>
			${batches.length
				? html`
					<${Bars} values=${batches} label=${`Sizes of the last ${batches.length} commits: latest ${last}, mean ${mean.toFixed(1)}, largest ${most}`} />
					<dl class=facts>
						<div><dt>Latest</dt><dd>${last}</dd></div>
						<div><dt>Mean of ${batches.length}</dt><dd>${mean.toFixed(1)}</dd></div>
						<div><dt>Largest</dt><dd>${most}</dd></div>
					</dl>`
				: html`<p class=muted>Nothing has been written since the start.</p>`}
			<p class=hint>How many changes went to disk together, in each of the last commits.</p>
		</section>`
}
