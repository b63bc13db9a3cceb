// Where one can go: the portal's main navigation, in groups.
import type { Permission } from './session.svelte';

export interface Place {
  href: string;
  title: string;
  /** The shapes of its mark, in a box of 16. */
  icon: string;
  needs?: Permission;
  /** The address alone, not what lies below it. */
  exact?: boolean;
}

export const PLACES: Place[][] = [
  [
    { href: '/', title: 'Live', icon: 'M1.5 8.5h3l2-5 3 9 2-4h3', exact: true },
    { href: '/packs', title: 'Packs', icon: 'M2.5 13.5v-4M6.2 13.5v-8M9.8 13.5v-6M13.5 13.5v-11' },
    { href: '/sessions', title: 'Sessions', icon: 'M2.5 4h6M5 8h8M8 12h5.5', needs: 'events.read' },
    { href: '/explore', title: 'Explore', icon: 'M2.5 4.5l3.5 3.5-3.5 3.5M8 12h5.5', needs: 'sql.query' },
  ],
  [
    { href: '/activity', title: 'Activity', icon: 'M3 4h.5M6 4h7.5M3 8h.5M6 8h7.5M3 12h.5M6 12h7.5' },
    { href: '/audit', title: 'Audit', icon: 'M8 1.8l5 2v4c0 3-2 5.2-5 6.4-3-1.2-5-3.4-5-6.4v-4zM5.8 8l1.6 1.6L10.4 6.6', needs: 'audit.read' },
    { href: '/projects', title: 'Projects', icon: 'M2 4.5h4.5l1.5 1.5h6v7H2z' },
  ],
  [
    { href: '/settings', title: 'Settings', icon: 'M2 5h6M12 5h2M10 3.2v3.6M2 11h2M8 11h6M6 9.2v3.6' },
    { href: '/diagnostics', title: 'Diagnostics', icon: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.3 10.3l3.4 3.4', needs: 'events.read' },
    { href: '/tenants', title: 'Tenants', icon: 'M2.5 13.5v-9h5v9M7.5 13.5v-6h6v6M4.5 7h1M4.5 10h1M10 10h1', needs: 'tenants.manage' },
  ],
];

export const isHere = ({ href, exact }: Place, path: string): boolean => (exact || href === '/' ? path === href : path === href || path.startsWith(`${href}/`));
