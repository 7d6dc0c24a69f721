"""The ids that were agreed on, by group: what clients may rely on."""

AGREED = {
    group: ids.split()
    for group, ids in {
        "valuation": """
            per_ttm per_fwd pbr ptbv psr pcr p_fcf peg ev ev_sales ev_ebitda ev_ebit ev_fcf ev_ic
            earnings_yield fcf_yield book_yield sales_yield shareholder_yield buyback_yield
            dividend_yield_ttm dividend_yield_fwd graham_number graham_upside ncav_per_share
            acquirers_multiple
        """,
        "profitability": """
            roe roa roic roce rota gross_margin operating_margin ebitda_margin ebit_margin pretax_margin
            net_margin ocf_margin fcf_margin capex_to_sales gross_profit_to_assets cash_roic
            effective_tax_rate dupont_margin dupont_turnover dupont_leverage incremental_roic roe_5y_avg
        """,
        "growth": """
            revenue_yoy revenue_qoq revenue_ttm_yoy revenue_cagr_3y revenue_cagr_5y operating_profit_yoy
            operating_profit_cagr_3y net_profit_yoy net_profit_qoq net_profit_cagr_3y net_profit_cagr_5y
            eps_yoy eps_qoq eps_ttm_yoy eps_cagr_3y eps_cagr_5y bps_yoy bps_cagr_5y ocf_yoy ocf_cagr_3y
            fcf_yoy fcf_cagr_3y assets_yoy equity_yoy dps_yoy dps_cagr_5y share_count_yoy
            margin_delta_1y sustainable_growth growth_consistency_5y
        """,
        "stability": """
            debt_to_equity net_debt_to_equity liabilities_to_equity debt_to_assets debt_to_ebitda
            net_debt_to_ebitda interest_coverage ebitda_coverage current_ratio quick_ratio cash_ratio
            ocf_ratio altman_z altman_z2 piotroski_f beneish_m ohlson_o sloan_accruals accruals_ratio
            cash_conversion earnings_stability_5y roe_stdev_5y equity_ratio financial_leverage
        """,
        "efficiency": """
            asset_turnover fixed_asset_turnover working_capital_turnover inventory_turnover
            receivables_turnover payables_turnover dio dso dpo cash_conversion_cycle
            capex_to_depreciation sga_to_sales rnd_to_sales
        """,
        "dividend": """
            payout_ratio fcf_payout dps_ttm dividend_streak_years dividend_growth_streak
            ex_dividend_days yield_on_5y_avg_price dividend_cover
        """,
        "price": """
            change_1d change_1w change_1m change_3m change_6m change_1y change_3y change_5y change_ytd
            change_mtd change_since_open gap_pct range_pct high_52w low_52w dist_high_52w dist_low_52w
            days_since_high_52w new_high_20d new_low_20d new_high_52w new_low_52w ath dist_ath up_streak
            down_streak tr_1y tr_3y
        """,
        "volume": """
            volume volume_avg_20d volume_avg_60d volume_surge_pct rel_volume turnover_value
            turnover_avg_20d turnover_ratio obv obv_slope_20 mfi_14 cmf_20 ad_line vwap_20 amihud_20
            zero_volume_days_60
        """,
        "trend": """
            sma_5 sma_10 sma_20 sma_50 sma_60 sma_120 sma_200 ema_9 ema_12 ema_20 ema_26 ema_50 ema_200
            wma_20 hma_20 dist_sma_20 dist_sma_50 dist_sma_200 sma_50_200_cross golden_cross_days macd
            macd_signal macd_hist adx_14 di_plus di_minus psar supertrend aroon_up aroon_down
            ichimoku_tenkan ichimoku_kijun ichimoku_span_a ichimoku_span_b
        """,
        "oscillators": """
            rsi_2 rsi_7 rsi_14 stoch_k stoch_d stochrsi cci_20 williams_r roc_12 momentum_10 trix_15
            ultimate_osc ppo tsi awesome_osc bb_upper bb_mid bb_lower bb_pct_b bb_width keltner_upper
            keltner_lower donchian_upper donchian_lower squeeze_on linreg_slope_20
        """,
        "risk": """
            atr_14 atr_pct hv_20 hv_60 hv_252 beta_60 beta_252 alpha_252 corr_index_252 sharpe_252
            sortino_252 mdd_252 mdd_days ulcer_index var95_1d downside_dev_252
        """,
        "composite": """
            quality_score value_score growth_score momentum_score stability_score overall_score
            pct_rank_per_sector pct_rank_roe_sector pct_rank_growth_sector pct_rank_mom_market
            rs_rating_12m mom_12_1 mom_6_1 magic_formula_rank graham_pass can_slim_flags low_vol_rank
        """,
    }.items()
}
