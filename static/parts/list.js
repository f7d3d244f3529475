// A list of any length, of which only the rows in sight are in the document.

import { page } from '../api.js'
import { Empty, go, html, Problem, useEffect, useLayoutEffect, useListener, useRef, useState, visited, Waiting } from './page.js'

const SPARE = 8

/** Lists that were left, so that coming back finds them as they were. */
const kept = new Map()
addEventListener('stale', () => kept.clear())

/**
 * `columns`: `[title, slot, cell(item)]`; the slot says where a cell goes where there is no room for columns: `main`, `sub` or `end`; others don't show then.
 * `template`: the widths of the columns; `narrow`: there is no room for them below. `rows`: the height of a row with them, and without. `select`: `{name, has, toggle, all, every}`.
 * `empty`: `[title, text]`. `handle.current`: `reload()`, `update(items)`. An `embedded` list is part of a page: it loads on by its button only.
 */
export function List({ path, label, columns, template, rows = [48, 68], narrow = 620, id = (item) => item.id, href, open, select, empty, handle, embedded }) {
	const keep = useRef({})
	const [list, setList] = useState(() => restore())
	const [range, setRange] = useState({ from: 0, to: 30 })
	const [active, setActive] = useState(keep.current.active || 0)
	const [compact, setCompact] = useState(false)
	const root = useRef()
	const body = useRef()
	const more = useRef()
	const wanted = useRef(false)
	const turn = useRef()

	function restore() {
		const key = `${visited().key} ${path}`
		const found = !embedded && visited().back && kept.get(key)
		keep.current = { key, back: Boolean(found), active: found?.active, scroll: found?.scroll }
		return found ? { ...found.list, path } : { items: [], next: path, path }
	}

	const height = rows[compact ? 1 : 0]
	const { items, next, error } = list.path === path ? list : { items: [], next: path }
	const now = useRef()
	now.current = { items, next, list, active, height }

	async function load(from, items) {
		turn.current?.abort()
		const abort = (turn.current = new AbortController())
		try {
			const answer = await page(from, abort.signal)
			setList({ path, items: [...items, ...answer.items], next: answer.next })
		} catch (error) {
			if (error.name !== 'AbortError') setList({ path, items, next: from, error })
		} finally {
			if (turn.current === abort) turn.current = null
		}
	}

	useEffect(() => {
		if (list.path !== path) {
			const fresh = restore()
			setList(fresh)
			setActive(0)
			if (!fresh.items.length) load(path, [])
		} else if (!list.items.length && list.next) {
			load(path, [])
		}
		return () => {
			turn.current?.abort()
			const { list, active } = now.current
			if (!embedded && list.path === path && list.items.length) {
				kept.set(keep.current.key, { list, active, scroll: keep.current.scroll })
				if (kept.size > 20) kept.delete(kept.keys().next().value)
			}
		}
	}, [path])

	const reload = () => load(path, [])
	// Of a list that is selected from, who changes it says what changes.
	useListener('stale', () => select || reload())
	if (handle) {
		handle.current = {
			reload,
			update: (changed) => {
				const by = new Map(changed.map((item) => [id(item), item]))
				setList((list) => ({ ...list, items: list.items.map((item) => by.get(id(item)) || item) }))
			},
		}
	}

	// Rows in sight are counted from the window: the page itself scrolls.
	useLayoutEffect(() => {
		if (!body.current) return
		let frame
		const look = () => {
			frame = null
			if (!body.current) return
			keep.current.scroll = scrollY
			const top = -body.current.getBoundingClientRect().top
			const from = Math.max(0, Math.floor(top / height) - SPARE)
			const to = Math.max(0, Math.ceil((top + innerHeight) / height) + SPARE)
			setRange((old) => (old.from === from && old.to === to ? old : { from, to }))
		}
		const soon = () => (frame ||= requestAnimationFrame(look))
		const size = new ResizeObserver(([entry]) => {
			setCompact(entry.contentRect.width < narrow)
			soon()
		})
		size.observe(root.current)
		addEventListener('scroll', soon, { passive: true })
		addEventListener('resize', soon)
		if (keep.current.back) {
			keep.current.back = false
			scrollTo(0, keep.current.scroll)
			wanted.current = true
		}
		look()
		return () => {
			cancelAnimationFrame(frame)
			size.disconnect()
			removeEventListener('scroll', soon)
			removeEventListener('resize', soon)
		}
	}, [items.length > 0, height])

	useEffect(() => {
		if (embedded || !more.current || error) return
		const seen = new IntersectionObserver(([entry]) => entry.isIntersecting && !turn.current && load(next, items), { rootMargin: '800px' })
		seen.observe(more.current)
		return () => seen.disconnect()
	}, [items.length, next, error])

	// A row that is moved within the document loses the focus, and gets it back.
	const focused = document.activeElement
	const held = body.current?.contains(focused) && focused
	useLayoutEffect(() => {
		if (held && held.isConnected && document.activeElement === document.body) held.focus({ preventScroll: true })
	})

	// The row that the keys moved to comes into sight and takes the focus.
	useLayoutEffect(() => {
		if (!wanted.current) return
		const row = body.current?.querySelector(`[data-index="${active}"]`)
		if (!row) return
		wanted.current = false
		row.focus({ preventScroll: true })
		row.scrollIntoView({ block: 'nearest' })
	})

	if (!items.length) {
		if (error) return html`<${Problem} error=${error} retry=${reload} />`
		return next ? html`<${Waiting} />` : html`<${Empty} title=${empty[0]}>${empty[1]}<//>`
	}

	const last = items.length - 1
	const at = Math.min(active, last)
	const move = (to) => {
		wanted.current = true
		setActive(Math.max(0, Math.min(last, to)))
	}
	const enter = (item) => (href ? go(href(item)) : open?.(item))

	function press(event) {
		if (event.target.getAttribute('role') !== 'row' || event.ctrlKey || event.metaKey || event.altKey) return
		const screenful = Math.max(1, Math.floor(innerHeight / height) - 2)
		const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last, PageDown: at + screenful, PageUp: at - screenful }
		if (event.key in steps) move(steps[event.key])
		else if (event.key === 'Enter') enter(items[at])
		else if (event.key === ' ' && select) select.toggle(items[at])
		else return
		event.preventDefault()
	}

	const shown = []
	for (let index = range.from; index < Math.min(range.to, items.length); index++) shown.push(index)
	if (at < range.from) shown.unshift(at)
	else if (at >= range.to) shown.push(at)
	const slots = (slot) => columns.filter((column) => column[1] === slot)
	const columnCount = (compact ? 3 : columns.length) + (select ? 1 : 0)

	const cells = (item) => compact
		? ['main', 'sub', 'end'].map((slot) => html`<div key=${slot} role=gridcell class=${`cell ${slot}`}>${slots(slot).map(([title, , cell]) => html`<span key=${title} class=piece>${cell(item)}</span>`)}</div>`)
		: columns.map(([title, slot, cell]) => html`<div key=${title} role=gridcell class=${`cell ${slot}`}>${cell(item)}</div>`)

	return html`
		<div class=${`list ${compact ? 'compact' : ''} ${select ? 'selectable' : ''}`} ref=${root} style=${{ '--columns': template, '--row': `${height}px` }}>
			<div role=grid aria-label=${label} aria-rowcount=${next ? -1 : items.length + 1} aria-colcount=${columnCount} aria-multiselectable=${Boolean(select)} onKeyDown=${press}>
				<div role=rowgroup class=list-head>
					<div role=row aria-rowindex=1 class=row>
						${select && html`<div role=columnheader class="cell tick"><input type=checkbox aria-label="Select all that are loaded, 200 at most" checked=${select.all(items)} onClick=${() => select.every(items)} /></div>`}
						${(compact ? [[select ? 'Select all' : 'Entry'], ['Details'], ['State']] : columns).map(([title]) => html`<div key=${title} role=columnheader class=cell>${title}</div>`)}
					</div>
				</div>
				<div role=rowgroup class=list-body ref=${body} style=${{ height: `${items.length * height}px` }}>
					${shown.map((index) => {
						const item = items[index]
						const picked = select?.has(item)
						return html`
							<div key=${id(item)} role=row class=${`row ${href || open ? 'opens' : ''}`} data-index=${index} aria-rowindex=${index + 2} tabindex=${index === at ? 0 : -1}
								aria-selected=${picked} style=${{ top: `${index * height}px` }}
								onfocusin=${() => index === at || setActive(index)}
								onClick=${(event) => event.target.closest('a, button, input, label') || enter(item)}>
								${select && html`<div role=gridcell class="cell tick"><input type=checkbox tabindex=-1 aria-label=${`Select ${select.name(item)}`} checked=${picked} onClick=${() => select.toggle(item)} /></div>`}
								${cells(item)}
							</div>`
					})}
				</div>
			</div>
			${next && html`
				<div class=more ref=${more}>
					${error && html`<p class=alert role=alert>${error.message}</p>`}
					<button class=small onClick=${() => turn.current || load(next, items)}>Load more</button>
				</div>`}
		</div>`
}
